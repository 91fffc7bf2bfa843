#!/usr/bin/env python3
"""Where the cloud begins: `python app.py`, or `cdk` through `cdk.json`, writes the template."""

import os

from infra.stack import izin_app

# The CDK command line names its own output folder; alone, the app writes where `cdk` would look.
izin_app(outdir=None if "CDK_OUTDIR" in os.environ else "cdk.out").synth()
