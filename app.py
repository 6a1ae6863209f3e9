"""Start the web page: `python app.py` is `interviewer serve`."""

from interviewer.cli import main

if __name__ == "__main__":
    main(["serve"])
