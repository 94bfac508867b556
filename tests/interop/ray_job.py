"""A job of Ray Data, as a user writes it: the prompts of Parquet files are answered, and it can be resumed.

    python ray_job.py FOLDER RAY_FOLDER URL ACTORS
"""

from __future__ import annotations

import sys
from pathlib import Path

import ray
from ray.data.checkpoint import CheckpointConfig

from transports.batch import AskBatch


def main(folder: Path, ray_folder: str, url: str, actors: int) -> None:
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, _temp_dir=ray_folder)
    ray.data.DataContext.get_current().checkpoint_config = CheckpointConfig("id", str(folder / "checkpoint"))
    (
        ray.data.read_parquet(str(folder / "in"))
        .repartition(target_num_rows_per_block=20)
        .map_batches(
            AskBatch,
            fn_constructor_kwargs={"provider": "openai", "model": "m", "base_url": url, "concurrency": 8},
            batch_format="pyarrow",
            batch_size=20,
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=0,
        )
        .write_parquet(str(folder / "out"))
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
