from unmoor.stacks.policies import start

start()
