"""`unmoor-agent launch`: starts and stops an agent's runs; on its machine, only it holds the Docker socket."""
