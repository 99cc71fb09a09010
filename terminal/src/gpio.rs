//! Button, lamp and buzzer at the pins of the board.
