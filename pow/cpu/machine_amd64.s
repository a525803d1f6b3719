//go:build !purego

#include "textflag.h"

// func cpuid(leaf, sub uint32) (eax, ebx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-16
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	RET

// func additions(n uint64)
TEXT ·additions(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	SHRQ $5, CX
	XORL AX, AX
	MOVL $3, BX

some: // 32 at a time, so that counting is done beside them
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX; ADDQ BX, AX
	DECQ CX
	JNZ some
	RET
