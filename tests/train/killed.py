"""Run by the tests as a program: trains into a folder, resumes, says when it has finished.

    python killed.py FOLDER EPOCHS
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from train_problem import Problem

from sheer import optim
from sheer.serialization import save
from sheer.train import Callback, Run, trainer


class Slowly(Callback):
    """An epoch takes long enough to be killed in."""

    def on_epoch_end(self, trainer, row):
        time.sleep(0.01)


def main(folder, epochs):
    trainer.SAVE_SECONDS = 0.02                 # so that there is something to go on from
    problem = Problem()
    model, optimizer = problem.make()
    run = Run.open(folder, {"what": "killed"})
    schedule = optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.9)
    print("started", flush=True)
    problem.fit(model, optimizer, epochs=epochs, run=run, resume=True, schedule=schedule,
                callbacks=[Slowly()], validation=(problem.x, problem.y))
    save({"model": model.state_dict(), "optimizer": optimizer.state_dict()},
         Path(folder) / "final.safetensors")
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
