"""The server: HTTP API, gRPC and the web page over one library."""
