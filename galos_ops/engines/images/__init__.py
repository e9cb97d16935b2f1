"""The images of a service on its host: what references mean, how they get there, which are kept."""
