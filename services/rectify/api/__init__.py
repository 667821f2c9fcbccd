"""The HTTPS door of rectify: commands that are decided in the request, and questions about cases."""
