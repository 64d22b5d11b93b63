"""Execution engines behind `livery.ports.Execution`; only `engine` imports them."""
