"""Where the service starts: settings, the container, HTTP and the command line."""
