"""May a model be trusted: gate, comparison, fairness, leaks, drift, model card, backtest?"""
