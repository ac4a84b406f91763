"""Messages on their way: by SMTP, or into a folder for whoever develops."""
