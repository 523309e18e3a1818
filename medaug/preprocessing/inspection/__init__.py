"""What a person wants to know first about a folder of scans, as text, JSON or a page."""

from medaug.preprocessing.inspection.json_text import inspection_json
from medaug.preprocessing.inspection.page import write_page
from medaug.preprocessing.inspection.pictures import draw_case
from medaug.preprocessing.inspection.summary import Summary, summarise
from medaug.preprocessing.inspection.terminal import print_inspection

__all__ = [
    "Summary",
    "draw_case",
    "inspection_json",
    "print_inspection",
    "summarise",
    "write_page",
]
