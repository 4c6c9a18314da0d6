"""What runs inside the container, and the Dockerfile that it is built from."""
