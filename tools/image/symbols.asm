; SPDX-License-Identifier: Apache-2.0
; The table that image_symbols wrote, for the second link; SYMBOLS_FILE is its path.
section .symbols alloc noexec nowrite align=8
        incbin SYMBOLS_FILE
