# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the local service: from the request to the files, both revisions, and their end."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from tests.service.conftest import StartService
from tests.service.harness import start_job, wait_for


def test_upload_job_download(api: httpx.Client) -> None:
    job_id = start_job(api, export_glb=True)
    job = wait_for(api, job_id)
    assert job["status"] == "SUCCEEDED", job
    ids = job["output"]["retarget_output_asset_ids"]
    assert set(ids) == set(job["download_urls"]) == {"qpos", "xpos", "model", "motion"}
    for role, url in job["download_urls"].items():
        content = httpx.get(url)
        assert content.status_code == 200
        assert content.json()["role"] == role
        asset = api.get(f"/v1/assets/{ids[role]}").json()
        assert asset["size_bytes"] == len(content.content)
        assert asset["checksum_sha256"] == hashlib.sha256(content.content).hexdigest()
