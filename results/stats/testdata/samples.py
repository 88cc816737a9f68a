"""Reference values for medians, from NumPy.

Run as: /usr/bin/python3 samples.py > samples.json
"""
import json

import numpy as np
import scipy

cases = []
for values in ([3.0], [1, 2], [5, 1, 4, 2, 3], [2.5, 9, 1, 4, 4, 7, 30]):
    args = [len(values), *values]
    cases.append({"f": "median", "args": [float(a) for a in args], "want": [float(np.median(values))]})

print(json.dumps({"source": f"SciPy {scipy.__version__} and enumeration", "cases": cases}, indent=0))
