"""Vector mathematics: functions of a register, made of polynomials and bit patterns."""
