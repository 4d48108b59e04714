"""Import: a spreadsheet of people, mentors and existing pairs as ordinary events, for the page and the command."""
