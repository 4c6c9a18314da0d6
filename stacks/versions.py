"""The supported releases of Pulumi's command line."""

# The first release that streams its events over gRPC, which is how they are read here:
# https://github.com/pulumi/pulumi/releases/tag/v3.206.0
OLDEST = "3.206.0"
