; SPDX-License-Identifier: Apache-2.0
; Folding for CRC-32: see crc_fold.h. Four lanes of 16 bytes take in 64 bytes at a turn; at the end they become one.
; (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel, 2009.) Only the
; six vector registers that are used are saved: to the stack, their lower 16 bytes, as these instructions leave the rest
; alone.

bits 64
default rel
section .text

; %1 becomes %1 as far ahead as the factors in xmm4 say; xmm5 is used.
%macro ahead 1
        movdqa  xmm5, %1
        pclmulqdq %1, xmm4, 0x00
        pclmulqdq xmm5, xmm4, 0x11
        pxor    %1, xmm5
%endmacro

; The lane %1 and the 16 bytes at %2.
%macro take_in 2
        ahead   %1
        movdqu  xmm5, %2
        pxor    %1, xmm5
%endmacro

; arch_crc_fold(rdi factors, esi state, rdx bytes, rcx blocks, r8 folded)
global arch_crc_fold
arch_crc_fold:
        sub     rsp, 96
        movdqu  [rsp], xmm0
        movdqu  [rsp + 16], xmm1
        movdqu  [rsp + 32], xmm2
        movdqu  [rsp + 48], xmm3
        movdqu  [rsp + 64], xmm4
        movdqu  [rsp + 80], xmm5

        movd    xmm4, esi
        movdqu  xmm0, [rdx]
        movdqu  xmm1, [rdx + 16]
        movdqu  xmm2, [rdx + 32]
        movdqu  xmm3, [rdx + 48]
        pxor    xmm0, xmm4
        dec     rcx
        jz      .join
        movdqu  xmm4, [rdi]
.block:
        add     rdx, 64
        take_in xmm0, [rdx]
        take_in xmm1, [rdx + 16]
        take_in xmm2, [rdx + 32]
        take_in xmm3, [rdx + 48]
        dec     rcx
        jnz     .block
.join:
        movdqu  xmm4, [rdi + 16]
        ahead   xmm0
        pxor    xmm1, xmm0
        ahead   xmm1
        pxor    xmm2, xmm1
        ahead   xmm2
        pxor    xmm3, xmm2
        movdqu  [r8], xmm3

        movdqu  xmm0, [rsp]
        movdqu  xmm1, [rsp + 16]
        movdqu  xmm2, [rsp + 32]
        movdqu  xmm3, [rsp + 48]
        movdqu  xmm4, [rsp + 64]
        movdqu  xmm5, [rsp + 80]
        add     rsp, 96
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
