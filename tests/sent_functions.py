"""Functions that tests send to other processes; what they import is quick to import there too."""

import os
import signal
import time


class RefusedError(Exception):
    """An exception of the user's own."""


class StubbornError(Exception):
    """An exception that pickle can write and not read, as many have it."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def total(theta):
    return float(theta.sum())


def pid(theta):
    time.sleep(0.02)
    return os.getpid()


def logged(path, theta, *, fatal=(), failure=RefusedError, nap=0.0):
    """The sum of theta, written to a file when it is there; `fatal` says at which theta[0] it fails."""
    if theta[0] in fatal:
        if isinstance(failure, type):
            raise failure("not there")
        failure()
    time.sleep(nap)
    value = float(theta.sum())
    with open(path, "a") as file:
        file.write(f"{value!r}\n")
    return value


def timed(path, theta, *, fatal, death=None):
    """The sum of theta, written to a file together with the time; at `fatal` it then fails."""
    time.sleep(0.05)
    with open(path, "a") as file:
        file.write(f"{float(theta.sum())!r} {time.time()!r}\n")
    if theta[0] == fatal:
        if death:
            death()
        raise RefusedError("not there")
    return float(theta.sum())


def scribble(theta):
    """The first coordinate of a theta that is spoilt afterwards."""
    value = float(theta[0])
    theta[0] = -1e9
    return value


def exits():
    os._exit(3)


def is_killed():
    os.kill(os.getpid(), signal.SIGKILL)


class Weighty:
    """A g that notes each time that it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __call__(self, theta):
        time.sleep(0.01)
        return os.getpid()

    def __setstate__(self, state):
        self.__dict__ = state
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()}\n")


class NotHere:
    """A g that cannot be made again in another process."""

    def __call__(self, theta):
        return 0.0

    def __reduce__(self):
        return open, ("/nowhere/at/all",)


def says(answer, theta):
    return answer
