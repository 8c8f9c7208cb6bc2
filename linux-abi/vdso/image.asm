; SPDX-License-Identifier: Apache-2.0
; The linked vDSO as data of the component; VDSO_FILE is its path.
section .rodata align=16
        global vdso_image_start
        global vdso_image_end
vdso_image_start:
        incbin VDSO_FILE
vdso_image_end:
section .note.GNU-stack noalloc noexec nowrite progbits
