"""What a person reads after a run: one HTML file about the data, the model, its errors and its dispositions.

Convention: the page is self-contained (no script, no font, no picture from elsewhere) and reads on a phone, in the dark and on paper.
"""
