"""Options, views and waiting that several commands share."""
