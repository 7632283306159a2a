"""Where articles come from: wiki dumps, ZIM files, JSON lines, Parquet, folders, live wikis."""
