"""Run the `wikirank` command line with `python -m langchain_wikirank`."""

from langchain_wikirank.cli import main

if __name__ == "__main__":
    main()
