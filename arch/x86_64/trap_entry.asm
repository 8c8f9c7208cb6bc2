; SPDX-License-Identifier: Apache-2.0
; Entry and exit of exceptions and interrupts: builds a TrapFrame and calls trap_dispatch(TrapFrame&). The GS base is
; the kernel's exactly while the kernel runs; coming from user mode it is swapped in. NMI, double fault and machine check
; can strike between an entry and its SWAPGS, so they take the per-CPU pointer from above their own stack instead.

%include "arch/x86_64/offsets.inc"

IA32_GS_BASE    equ 0xc0000101

extern trap_dispatch
global trap_stubs
global trap_return

%macro PUSH_REGISTERS 0
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    rax
        push    r8
        push    r9
        push    r10
        push    r11
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        push    2                       ; AC (it would undo SMAP), DF and NT off; IF is off already
        popfq
%endmacro

%macro POP_REGISTERS 0
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rax
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
        add     rsp, 16                 ; vector and error code
%endmacro

section .text
bits 64

trap_common:
        PUSH_REGISTERS
        test    byte [rsp + FRAME_CS], 3
        jz      .from_kernel
        swapgs
.from_kernel:
        mov     rdi, rsp
        call    trap_dispatch
; RSP points to a TrapFrame, interrupts are disabled, GS is the kernel's: leaves the kernel through the frame.
trap_return:
        test    byte [rsp + FRAME_CS], 3
        jz      .to_kernel
        swapgs
.to_kernel:
        POP_REGISTERS
        iretq

trap_with_own_stack:
        PUSH_REGISTERS
        mov     ecx, IA32_GS_BASE
        rdmsr
        mov     r12d, eax
        mov     r13d, edx
        mov     eax, [rsp + FRAME_BYTES]        ; start_percpu() left the PerCpu pointer above the stack
        mov     edx, [rsp + FRAME_BYTES + 4]
        wrmsr
        mov     rdi, rsp
        call    trap_dispatch
        mov     ecx, IA32_GS_BASE
        mov     eax, r12d
        mov     edx, r13d
        wrmsr
        POP_REGISTERS
        iretq

%assign vector 0
%rep 256
stub_%+vector:
  %if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
        push    0                       ; no error code from the CPU
  %endif
        push    strict dword vector
  %if vector == 2 || vector == 8 || vector == 18
        jmp     trap_with_own_stack
  %else
        jmp     trap_common
  %endif
  %assign vector vector + 1
%endrep

section .rodata
align 8
trap_stubs:
%assign vector 0
%rep 256
        dq stub_%+vector
  %assign vector vector + 1
%endrep
