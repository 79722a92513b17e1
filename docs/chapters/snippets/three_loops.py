"""One fit, written three times: line by line the same, and only the derivative comes from elsewhere.

By hand, with backpropagation; by the graph of boxes; and in PyTorch. Each takes the theta to start from
and the minibatches, arrays of sample numbers, and returns the last theta and the loss of each minibatch.
"""

import torch

from lecturecode import CrossEntropy, Network, backprop, graph
from lecturecode.pytorch import MLP


def by_hand(network: Network, theta, x, y, batches, learning_rate):
    """Fit with NumPy and the backpropagation of this book."""
    criterion, losses = CrossEntropy(), []
    for batch in batches:
        images, labels = x[batch], y[batch]
        loss, gradient = backprop(network, criterion, theta, images, labels)
        theta = theta - learning_rate * gradient
        losses.append(loss)
    return theta, losses


def by_graph(network: Network, theta, x, y, batches, learning_rate):
    """Fit with a graph of boxes, which knows the way back by itself."""
    losses = []
    for batch in batches:
        node = graph.Node(theta)
        outputs = graph.dnn(network, node, x[batch])
        loss = graph.cross_entropy(outputs, y[batch])
        graph.backward(loss)
        theta = theta - learning_rate * node.grad
        losses.append(loss.value)
    return theta, losses


def by_pytorch(network: Network, theta, x, y, batches, learning_rate):
    """Fit with PyTorch: a module, a loss and an optimizer."""
    module, losses = MLP.from_network(network, theta), []
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=learning_rate)
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    for batch in batches:
        outputs = module(x[batch])
        loss = criterion(outputs, y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return module.theta, losses
