"""Whether people judge with care: gold and repeats, the standing that follows, and decisions where people disagree."""
