"""How is a figure drawn? One set of charts as SVG: inside the reports' pages, and as files beside a model's evaluation."""
