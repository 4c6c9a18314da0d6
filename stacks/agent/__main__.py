from unmoor.stacks.config import deploy_from_config

deploy_from_config()
