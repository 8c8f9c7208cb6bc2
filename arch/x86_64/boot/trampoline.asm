; SPDX-License-Identifier: Apache-2.0
; Where the other cores start: copied to a page below 1 MiB, entered in real mode by the start-up interrupt, straight to
; long mode with the boot page tables (which map this page where it is, and the kernel). The boot core fills in the
; parameters for one core at a time; kernel code is reached on the core's own stack.

CR4_PAE             equ 1 << 5
EFER                equ 0xc0000080
EFER_LME_NXE        equ (1 << 8) | (1 << 11)
CR0_LONG            equ 0x80010033      ; also clears the cache-disable bits that INIT sets

global trampoline_start
global trampoline_end
global trampoline_parameters

section .rodata
align 16
bits 16
trampoline_start:
        cli
        cld
        mov     ax, cs
        mov     ds, ax
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, [trampoline_parameters.root - trampoline_start]
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      eax, EFER_LME_NXE
        wrmsr
        o32 lgdt [trampoline_parameters.gdt_register - trampoline_start]
        mov     eax, CR0_LONG
        mov     cr0, eax
        jmp far dword [trampoline_parameters.far_target - trampoline_start]

bits 64
.long_mode:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     rsp, [rel trampoline_parameters.stack]
        mov     rdi, [rel trampoline_parameters.argument]
        mov     rax, [rel trampoline_parameters.entry]
        xor     ebp, ebp
        push    rbp                     ; no return address
        jmp     rax

; struct TrampolineParameters in start_cores.cpp
align 8
trampoline_parameters:
.stack:         dq 0
.argument:      dq 0
.entry:         dq 0
.gdt:           dq 0
                dq 0x00af9a000000ffff
                dq 0x00cf92000000ffff
.root:          dd 0
.far_target:    dd trampoline_start.long_mode - trampoline_start        ; + the page's address
                dw 0x08
.gdt_register:  dw 23
                dd 0                    ; the address of .gdt
trampoline_end:
