"""What joins the event loop and native threads, once: bridge, workers, alarm."""
