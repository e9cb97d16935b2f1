"""What a person sees: terminal, CI, plain."""
