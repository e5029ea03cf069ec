"""How fast is the endpoint, beside `mlflow models serve`, an empty route of the same framework, and one durable write?"""
