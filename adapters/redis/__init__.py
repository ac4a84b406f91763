"""Redis behind the cache ports: disposable, and never asked for a decision."""
