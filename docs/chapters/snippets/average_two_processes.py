"""DistributedDataParallel averages the gradients of two processes; the next line starts them.

torchrun --standalone --nproc-per-node 2 average_two_processes.py
"""

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")  # "nccl" on GPUs
rank = dist.get_rank()

module = torch.nn.Linear(1, 1, bias=False)
wrapped = DistributedDataParallel(module)
# the first process has four samples 1, the second three samples 3
x = torch.full((4 - rank, 1), 1.0 + 2.0 * rank)
wrapped(x).mean().backward()  # alone, the gradient would be 1, or 3

if rank == 0:  # both have the same
    print(f"the gradient is {module.weight.grad.item()}")
dist.destroy_process_group()
