"""One call: address, credentials, channel, deadline, and what a failure means. The only wing that knows gRPC."""
