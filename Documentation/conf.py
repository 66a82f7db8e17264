# SPDX-License-Identifier: MIT
"""Sphinx's settings, and where the kernel's kernel-doc is.

KERNEL_TOOLS is the folder with scripts/kernel-doc and Documentation/sphinx of a kernel's source.
"""

import os
import pathlib
import sys

tools = pathlib.Path(os.environ.get('KERNEL_TOOLS', '/usr/src/kernel-tools'))
sys.path.insert(0, str(tools / 'Documentation' / 'sphinx'))

project = 'tide'
author = 'the tide authors'
copyright = author

extensions = ['kerneldoc', 'automarkup']
kerneldoc_bin = str(tools / 'scripts' / 'kernel-doc')
kerneldoc_srctree = str(pathlib.Path(__file__).parent.parent)

primary_domain = 'c'
highlight_language = 'none'
# Sphinx has no names for the kernel's types, macros and functions.
nitpick_ignore_regex = [('c:identifier', '.*')]
c_id_attributes = ['__user', '__counted_by']

html_theme = 'alabaster'
html_theme_options = {
    'description': 'offered GPU memory for Linux',
    'fixed_sidebar': True,
    'page_width': '1200px',
    'sidebar_width': '240px',
}
html_static_path = ['static']
html_css_files = ['tide.css']
html_sidebars = {'**': ['about.html', 'searchfield.html', 'navigation.html']}
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
