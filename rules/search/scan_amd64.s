#include "go_asm.h"
#include "textflag.h"

// func scanAVX2(text *byte, n, last int, tables *vectorTables, vectors *[mostVectors]vector) (at, found int, lines uint64)
TEXT ·scanAVX2(SB), NOSPLIT, $0-64
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), DX
	MOVQ last+16(FP), R9
	MOVQ tables+24(FP), DI
	MOVQ vectors+32(FP), R8

	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VMOVDQU 64(DI), Y2
	VMOVDQU 96(DI), Y3
	VMOVDQU 128(DI), Y4
	VMOVDQU 160(DI), Y5

	MOVL         $'\n', AX
	VMOVD        AX, X6
	VPBROADCASTB X6, Y6

	XORL BX, BX        // lines
	XORL CX, CX        // at
	XORL R10, R10      // found
	SUBQ $35, DX
	ADDQ SI, R9

loop:
	// VPSHUFB makes zeros of bytes beyond ASCII: they fit nothing.
	VMOVDQU  0(SI)(CX*1), Y7
	VPSHUFB  Y7, Y0, Y8
	VPSHUFB  1(SI)(CX*1), Y1, Y9
	VPSHUFB  2(SI)(CX*1), Y2, Y10
	VPSHUFB  0(R9)(CX*1), Y3, Y11
	VPAND    Y9, Y8, Y8
	VPAND    Y11, Y10, Y10
	VPAND    Y10, Y8, Y8
	VPCMPEQB Y5, Y7, Y12
	VPAND    Y4, Y12, Y12
	VPOR     Y12, Y8, Y8

	VPCMPEQB  Y6, Y7, Y13
	VPMOVMSKB Y13, R11
	POPCNTL   R11, R12
	VPTEST    Y8, Y8
	JNZ       fit

next:
	ADDQ R12, BX
	ADDQ $32, CX
	CMPQ CX, DX
	JLE  loop

done:
	VZEROUPPER
	MOVQ CX, at+40(FP)
	MOVQ R10, found+48(FP)
	MOVQ BX, lines+56(FP)
	RET

fit:
	VPXOR     Y14, Y14, Y14
	VPCMPEQB  Y14, Y8, Y14
	VPMOVMSKB Y14, AX
	NOTL      AX
	VMOVDQU   Y8, vector_fits(R8)
	MOVL      AX, vector_which(R8)
	MOVL      R11, vector_ends(R8)
	MOVL      BX, vector_lines(R8)
	MOVL      CX, vector_at(R8)
	ADDQ      $vector__size, R8
	INCQ      R10
	CMPQ      R10, $const_mostVectors
	JNE       next
	ADDQ      R12, BX
	ADDQ      $32, CX
	JMP       done
