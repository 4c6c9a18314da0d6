"""`unmoor-agent launch`: the one holder of a machine's Docker socket, which starts and stops this agent's runs."""
