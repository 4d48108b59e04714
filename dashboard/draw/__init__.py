"""Charts as SVG, drawn here: no script, no colours of their own (the stylesheet has them), each with its words."""
