"""Temporary stand-in (to be overwritten)."""
import numpy as np
f4 = np.float32
ONE, HALF, CLAMP = f4(1), f4(0.5), f4(7.90531110763549805)
def tanh_float32(x):
    x = min(max(x, -CLAMP), CLAMP)
    s = x * x
    p = s * f4(-2.76076847742355e-16) + f4(2.00018790482477e-13)
    p = s * p + f4(-8.60467152213735e-11)
    p = s * p + f4(5.12229709037114e-08)
    p = s * p + f4(1.48572235717979e-05)
    p = s * p + f4(6.37261928875436e-04)
    p = s * p + f4(4.89352455891786e-03)
    q = s * f4(1.19825839466702e-06) + f4(1.18534705686654e-04)
    q = s * q + f4(2.26843463243900e-03)
    q = s * q + f4(4.89352518554385e-03)
    return x * p / q
def tanh_float64(x):
    return np.tanh(x)
def sigmoid_float32(x):
    return HALF * tanh_float32(HALF * x) + HALF
def sigmoid_float64(x):
    return 0.5 * tanh_float64(0.5 * x) + 0.5
def tanh(x):
    return np.tanh(x)
def sigmoid(x):
    return HALF * np.tanh(HALF * x) + HALF
def relu(x):
    return np.maximum(x, x - x)
def exp(x):
    return np.exp(x)
def sqrt(x):
    return np.sqrt(x)


def absolute(x):
    """|x|."""
    return np.abs(x)


def sign(x):
    """-1, 0 or 1."""
    return np.sign(x)
