"""A job of Ray Data, as a user writes it: the prompts of Parquet files are answered, and it can be resumed.

python ray_job.py FOLDER URL RAYS_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import ray
from ray.data.checkpoint import CheckpointConfig

from transports.batch import AskBatch


def main(folder: Path, url: str, rays_folder: str) -> None:
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, _temp_dir=rays_folder)
    ray.data.DataContext.get_current().checkpoint_config = CheckpointConfig("id", str(folder / "checkpoint"))
    settings = {"provider": "openai", "model": "m", "base_url": url, "concurrency": 8}
    AskBatch(**settings)  # raises for wrong ones here
    (
        ray.data.read_parquet(str(folder / "in"))
        .repartition(target_num_rows_per_block=20)  # what is not written yet of a block is asked again
        .map_batches(
            AskBatch,
            fn_constructor_kwargs=settings,
            batch_format="pyarrow",
            batch_size=20,
            compute=ray.data.ActorPoolStrategy(size=2, enable_true_multi_threading=True),
            max_concurrency=2,  # batches at once in each: one fills the gaps at the end of another
            num_cpus=0,  # they wait, and two CPUs are taken by Ray's own reading and filtering
        )
        .write_parquet(str(folder / "out"))
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
