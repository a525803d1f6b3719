//go:build !purego

#include "textflag.h"

// NIBBLES makes values of the 32 characters in C, and clears bytes of OK where a
// character is no digit. It uses Y12 to Y15.
#define NIBBLES(C, OK) \
	VPSUBB  Y4, C, Y12    \ // distance to '0'
	VPMINUB Y5, Y12, Y13  \
	VPCMPEQB Y12, Y13, Y13 \ // is it at most 9?
	VPOR    Y6, C, C      \ // lower case
	VPSUBB  Y7, C, C      \ // distance to 'a'
	VPMINUB Y8, C, Y14    \
	VPCMPEQB C, Y14, Y14  \ // is it at most 5?
	VPADDB  Y9, C, C      \ // plus ten
	VPOR    Y13, Y14, Y15 \
	VPAND   Y15, OK, OK   \
	VPAND   Y13, Y12, Y12 \
	VPAND   Y14, C, C     \
	VPOR    Y12, C, C

// BYTES fills a register with one byte.
#define BYTES(V, X, Y) \
	MOVL $V, AX \
	MOVD AX, X  \
	VPBROADCASTB X, Y

// func decodeAVX2(dst, src *byte, blocks int) bool
TEXT ·decodeAVX2(SB), NOSPLIT, $0-25
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	BYTES(0x30, X4, Y4)
	BYTES(9, X5, Y5)
	BYTES(0x20, X6, Y6)
	BYTES(0x61, X7, Y7)
	BYTES(5, X8, Y8)
	BYTES(10, X9, Y9)
	MOVL $0x0110, AX // the first digit sixteen times, the second once
	MOVD AX, X10
	VPBROADCASTW X10, Y10
	VPCMPEQB Y11, Y11, Y11

block:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	NIBBLES(Y0, Y11)
	NIBBLES(Y1, Y11)
	VPMADDUBSW Y10, Y0, Y0
	VPMADDUBSW Y10, Y1, Y1
	VPACKUSWB Y1, Y0, Y0
	VPERMQ $0xD8, Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	DECQ CX
	JNZ block

	VPMOVMSKB Y11, AX
	CMPL AX, $-1
	SETEQ ret+24(FP)
	VZEROUPPER
	RET
