# compat
