"""Data folders as earlier versions left them, opened by this one."""
