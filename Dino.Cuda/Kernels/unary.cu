#include "unary.cuh"

#define WITHOUT_GRADIENT(name, Operator) \
    KERNEL unary_##name(const Unary a) { map<Operator>(a); }
#define WITH_GRADIENT(name, Operator) \
    WITHOUT_GRADIENT(name, Operator) \
    KERNEL unary_##name##_backward(const UnaryBackward a) { pull<Operator>(a); }

WITH_GRADIENT(affine, Affine)
WITH_GRADIENT(scale, Scale)
WITH_GRADIENT(abs, Abs)
WITH_GRADIENT(exp, Exp)
WITH_GRADIENT(log, Log)
WITH_GRADIENT(sqrt, Sqrt)
WITH_GRADIENT(rsqrt, Rsqrt)
WITH_GRADIENT(reciprocal, Reciprocal)
WITH_GRADIENT(square, Square)
WITH_GRADIENT(cube, Cube)
WITH_GRADIENT(power, Power)
WITH_GRADIENT(tanh, Tanh)
WITH_GRADIENT(sigmoid, Sigmoid)
WITH_GRADIENT(silu, Silu)
WITH_GRADIENT(softplus, Softplus)
WITH_GRADIENT(relu, Relu)
WITH_GRADIENT(erf, Erf)
WITH_GRADIENT(gelu, Gelu)
WITH_GRADIENT(gelu_tanh, GeluTanh)
WITH_GRADIENT(clamp, Clamp)
WITHOUT_GRADIENT(sign, Sign)
WITHOUT_GRADIENT(round, Round)
WITHOUT_GRADIENT(floor, Floor)
WITHOUT_GRADIENT(is_nan, IsNaN)
