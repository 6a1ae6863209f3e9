"""The Gradio page: translates records to widgets and holds no rules."""
