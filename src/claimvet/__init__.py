"""Is this claim valid, frivolous or abusive? The folders at the top of the checkout, under the one name that is imported."""
