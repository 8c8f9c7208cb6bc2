; SPDX-License-Identifier: Apache-2.0
; From the loader's 32-bit protected mode (paging off) to kernel_entry() in the higher half. Two ways in: Multiboot2
; (GRUB: EAX = magic, EBX = information) and PVH (QEMU -kernel: EBX = start information). Uses no stack before long mode.
; The page tables made here map the first 4 GiB where they are and the first GiB at the image's address, everything
; writable and executable; kernel_entry() replaces them by proper ones within its first steps.

MULTIBOOT2_MAGIC    equ 0x36d76289
PVH_MAGIC           equ 0x336ec578      ; handed to kernel_entry() as EAX is with Multiboot2

PAGE_TABLE          equ 0x03            ; present, writable
PAGE_LARGE          equ 0x83            ; present, writable, 2 MiB
CR4_PAE             equ 1 << 5
EFER                equ 0xc0000080
EFER_LME            equ 1 << 8
EFER_NXE            equ 1 << 11
CR0_LONG            equ 0x80010033      ; paging, write protection, numeric error, ET, monitor coprocessor, protection
BOOT_CODE           equ 0x08
BOOT_DATA           equ 0x10
SERIAL              equ 0x3f8
BOOT_STACK_BYTES    equ 16 * 1024       ; kernel_stack_bytes

extern kernel_entry
extern boot_stack
global multiboot2_entry
global pvh_entry
global boot_root

section .note.pvh note alloc noexec nowrite align=4
        dd 4                            ; name bytes
        dd 4                            ; contents bytes
        dd 18                           ; XEN_ELFNOTE_PHYS32_ENTRY
        db "Xen", 0
        dd pvh_entry

section .boot.text exec alloc nowrite align=16
bits 32
pvh_entry:
        mov     eax, PVH_MAGIC
multiboot2_entry:
        cli
        cld
        mov     ebp, eax                ; CPUID needs EAX to EDX
        mov     edi, ebx

        mov     eax, 0x80000000
        cpuid
        cmp     eax, 0x80000001
        jb      unsupported
        mov     eax, 0x80000001
        cpuid
        mov     eax, edx
        and     eax, (1 << 29) | (1 << 20)
        cmp     eax, (1 << 29) | (1 << 20)      ; long mode and no-execute
        jne     unsupported

        mov     dword [boot_root], boot_low_tables + PAGE_TABLE
        mov     dword [boot_root + 511 * 8], boot_high_tables + PAGE_TABLE
        mov     dword [boot_high_tables + 510 * 8], boot_directories + PAGE_TABLE
        mov     eax, boot_directories + PAGE_TABLE
        xor     ecx, ecx
.tables:
        mov     [boot_low_tables + ecx * 8], eax
        add     eax, 4096
        inc     ecx
        cmp     ecx, 4
        jb      .tables
        mov     eax, PAGE_LARGE
        xor     ecx, ecx
.pages:
        mov     [boot_directories + ecx * 8], eax
        add     eax, 2 << 20
        inc     ecx
        cmp     ecx, 4 * 512
        jb      .pages

        mov     eax, boot_root
        mov     cr3, eax
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     ecx, EFER
        rdmsr
        or      eax, EFER_LME | EFER_NXE
        wrmsr
        mov     eax, CR0_LONG
        mov     cr0, eax
        lgdt    [boot_gdt_register]
        jmp     BOOT_CODE:long_mode

unsupported:
        mov     esi, .text
.next:
        mov     dx, SERIAL + 5
        in      al, dx
        test    al, 0x20                ; transmitter empty
        jz      .next
        mov     dx, SERIAL
        lodsb
        test    al, al
        jz      .stop
        out     dx, al
        jmp     .next
.stop:
        hlt
        jmp     .stop
.text:  db "LegoOS needs a 64-bit processor with no-execute pages", 13, 10, 0

bits 64
long_mode:
        mov     eax, BOOT_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     rax, higher_half
        jmp     rax

align 8
boot_gdt:
        dq 0
        dq 0x00af9a000000ffff           ; 64-bit code, ring 0
        dq 0x00cf92000000ffff           ; data, ring 0
boot_gdt_register:
        dw 23
        dd boot_gdt
        dd 0                            ; the high half, when it is loaded in long mode

section .boot.bss nobits alloc write align=4096
boot_root:              resb 4096
boot_low_tables:        resb 4096
boot_high_tables:       resb 4096
boot_directories:       resb 4 * 4096

section .text
bits 64
higher_half:
        mov     rsp, boot_stack + BOOT_STACK_BYTES
        mov     esi, edi                ; information; zero-extended
        mov     edi, ebp                ; magic
        xor     ebp, ebp                ; the end of every backtrace
        call    kernel_entry
        ud2
